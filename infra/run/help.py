"""What `make help` prints."""

from typing import Final

TEXT: Final = """\
Candor: decisions about people, with the evidence.

  make run                    the whole road for a sample company: exports, lake, models, two approvals, releases,
                              scores, drift and bias reports; ends with a summary
  make run SAMPLE=biased      a company whose past screening was biased: the gate holds that model and says why
  make run EXPORTS=folder     the same for exports you have; feed files in feeds/real
  make up / make down         keep a company's Airflow running (prints where, and where the passwords are) / stop it
  make clean                  stop it and remove the company's folder
  make env                    only make .venv from uv.lock

  WORKERS=2000                size of the sample company
  VAR=var/sample              where the company lives; var/biased and var/real for the other two
  PYTHON=python3              Python 3.11 or 3.12 to begin with

After a run:
  . var/sample/env            hands your shell the company's store and keys
  make up                     open the printed address; passwords in var/sample/secrets/accounts.json
  python -m pipelines.audit verify
  cat var/sample/summary.md
"""

if __name__ == "__main__":
    print(TEXT, end="")
