-- Where in the text the window begins: behind what was cut of this very text, unless all of it was.
CASE WHEN f.begun THEN f.cut_characters ELSE 0 END
