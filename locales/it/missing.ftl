missing-title = Ciò che { $node } offre e che manca qui
missing-all = Tutto ciò che offre
missing-none = Tutto ciò che offre è anche qui
