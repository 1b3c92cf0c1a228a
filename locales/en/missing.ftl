missing-title = Missing here, offered by { $node }
missing-all = All it offers
missing-none = Everything it offers is here too
