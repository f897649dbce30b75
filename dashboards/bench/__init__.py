"""``teshe bench …``: measurements that anybody can repeat. Each prints its settings beside its figures."""
