"""Changes what the migration before it made: its SQL needs names that the database alone knows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "9001_additive")]
    operations = [
        migrations.AlterField("bookmark", "name", models.CharField(max_length=50)),
        migrations.AddField("bookmark", "pages", models.IntegerField(null=True, unique=True)),
        migrations.AlterField("bookmark", "pages", models.IntegerField(null=True)),
        migrations.RunSQL(
            "-- with a comment first; and a {brace} and 100 %\nCOMMENT ON TABLE bookmarks IS '{} 100 %';"
        ),
    ]
