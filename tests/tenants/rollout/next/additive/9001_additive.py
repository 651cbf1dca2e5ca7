"""A column, a table and an index: what most releases bring."""

from django.db import migrations, models

from tests.tenants.rollout.next import LAST


class Migration(migrations.Migration):
    dependencies = [("records", LAST)]
    operations = [
        migrations.AddField("repository", "note", models.CharField(max_length=100, blank=True, db_default="")),
        migrations.CreateModel(
            "Bookmark",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=50, unique=True)),
                ("repository", models.ForeignKey("records.Repository", models.CASCADE)),
            ],
            options={"db_table": "bookmarks"},
        ),
        migrations.AddIndex("repository", models.Index(fields=["url"], name="repositories_url")),
    ]
