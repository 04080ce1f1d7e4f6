import klotho
from klotho import Compute, Databases, Schedule, Secret

klotho.Application("shop")
Schedule("unix", cron="0 9 * * 1-5")
Schedule("both_days", cron="0 9 * * * *")
Schedule("never", cron="0 9 30 2 ? *")
Schedule("fast", every="30 seconds")
Schedule("fortnight", every="1 fortnight")
Schedule("both", every="1 day", cron="0 9 * * ? *")
Schedule("neither")
Schedule("where", cron="0 9 * * ? *", timezone="Vienna")
Schedule("zoned_rate", every="1 day", timezone="Europe/Vienna")
key = Secret("stripe_key", "sk_live")
web = Compute.Container("web", context="./web", environment={"KEY": Secret("other_key").value})
web.triggered_by(Schedule("nightly", every="1 day"))
web.uses("stripe_key")
