missing-title = Pas encore ici, de { $node }
missing-all = Tout ce qu’il offre
missing-none = Tout ce qu’il offre est aussi ici
