# La page de la personne qui fait tourner ce nœud.
operator-title = Ce nœud
operator-for = Cette page est pour la personne qui fait tourner ce nœud.
operator-how = Ouvrez-la sur la machine même, à http://localhost:{ $port }/operator, ou avec le lien affiché au démarrage du nœud avec --operator token.
operator-about = À propos
operator-name = Nom
operator-folder = Dossier partagé
operator-files = Offerts
operator-reading = Encore à lire
operator-mode = Ce qu’il fait
operator-mode-shared = offre ses fichiers ; d’autres ne viennent que si vous les demandez
operator-mode-mirrors = offre ses fichiers, et copie ce que les voisins ont
operator-mode-copies = { $count ->
    [one] offre ses fichiers, et garde avec les autres { $count } copie de chaque fichier dans le voisinage
   *[other] offre ses fichiers, et garde avec les autres { $count } copies de chaque fichier dans le voisinage
}
operator-port = Port
operator-napster = Annuaire Napster
operator-limits = Limites de débit
operator-limits-none = aucune
operator-limit-up = ce qui part
operator-limit-down = ce qui arrive
operator-running = En marche depuis
operator-version = Version
operator-uuid = Identité
operator-rescan = Le dossier
operator-rescan-how = Les changements sont détectés automatiquement. S’il semble manquer quelque chose, faites parcourir à nouveau tout le dossier.
operator-look-again = Parcourir à nouveau
operator-coming = Ce qui arrive
operator-is-paused = En pause.
operator-is-running = En marche.
operator-pause = Mettre en pause
operator-resume = Reprendre
operator-see = Voir tous les transferts
operator-off = Nœuds dont rien n’est copié
operator-on = Copier de nouveau depuis ce nœud
operator-deleted = Fichiers supprimés
operator-deleted-how = { $count ->
    [one] { $count } nom a été supprimé de ce dossier. Il n’est plus récupéré chez les autres.
   *[other] { $count } noms ont été supprimés de ce dossier. Ils ne sont plus récupérés chez les autres.
}
operator-forget-deleted = Permettre de les récupérer
operator-decided = Conflits décidés
operator-decided-how = { $count ->
    [one] Pour { $count } autre version, vous avez dit « Garder le nôtre ». Elle n’est ni prise ni montrée.
   *[other] Pour { $count } autres versions, vous avez dit « Garder le nôtre ». Elles ne sont ni prises ni montrées.
}
operator-forget-decided = Me redemander
operator-settings = Les réglages se donnent au démarrage du nœud : en options, par l’environnement, ou dans son fichier de réglages. « boucan --help » les montre tous.
