// From an address without .html to its page, with what was asked of it.
location.replace(document.getElementById("there").href + location.search + location.hash);
