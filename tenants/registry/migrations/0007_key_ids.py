from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0006_reminders'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenantkey',
            name='key_id',
            field=models.BinaryField(max_length=16, null=True),
        ),
    ]
