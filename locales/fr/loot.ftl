# Un dossier d’un nœud, et ce qui n’en est pas ici.
loot-folders = Dossiers
loot-name = Nom
loot-size = Taille
loot-changed = Modifié
loot-sorted = Trié par
loot-download = Télécharger
loot-download-one = Télécharger { $name }
loot-download-folder = Télécharger le dossier
loot-download-folder-tar = Télécharger le dossier en tar
loot-fetch-folder = Copier le dossier ici
loot-playlist = Liste de lecture
loot-not-here = Ce qui manque ici
loot-refused = { $count ->
    [one] Un autre nom de ce nœud ne peut pas être utilisé ici : il est mal formé, ou cache ce qu’il est.
   *[other] { $count } autres noms de ce nœud ne peuvent pas être utilisés ici : ils sont mal formés, ou cachent ce qu’ils sont.
}
loot-switched-off = Rien n’est copié depuis ce nœud.
loot-switch-on = Copier de nouveau depuis ce nœud
loot-switch-off = Ne rien copier depuis ce nœud
loot-filter = Seulement les noms avec…
loot-filter-do = Filtrer
loot-shown = { $shown } sur { $all } affichés
loot-as-grid = Images
loot-as-list = Liste
loot-empty = Il n’y a rien ici
loot-nothing = Aucun nom ne contient tous ces mots
loot-all-again = Tout afficher de nouveau
loot-choose = Choisir { $name }
loot-choose-all = Choisir tout ce qui est affiché
loot-choose-what = Ce qui est choisi arrive en un seul fichier.
loot-chosen = Sélection
loot-chosen-one = { $count } choisi, { $size }
loot-chosen-many = { $count } choisis, { $size }
loot-download-chosen = Télécharger en zip
loot-download-chosen-tar = Télécharger ce qui est choisi en tar
