-- Where the window begins in the text: after what was cut of this same text, unless all of it was cut.
CASE WHEN f.begun THEN f.cut_characters ELSE 0 END
