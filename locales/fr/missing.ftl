missing-title = Ce que { $node } offre et qui manque ici
missing-all = Tout ce qu’il offre
missing-none = Tout ce qu’il offre est aussi ici
