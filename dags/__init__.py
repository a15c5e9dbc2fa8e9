"""WHEN: wiring only. What runs is in `pipelines`, `monitoring` and `infra.run`; how it starts is in `_stage`."""
