from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0004_closed_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='parameter',
            name='reminded_at',
            field=models.DateTimeField(null=True),
        ),
    ]
