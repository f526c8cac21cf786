"""How people meet Lilliput. Faces call the lab; no rules live here."""
