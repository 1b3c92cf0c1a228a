missing-title = Non ancora qui, da { $node }
missing-all = Tutto ciò che offre
missing-none = Tutto ciò che offre è anche qui
