from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0007_key_ids'),
    ]

    operations = [
        migrations.AlterField(
            model_name='due',
            name='kind',
            field=models.CharField(choices=[('deliver', 'Deliver'), ('expire-sent', 'Expire Sent'), ('expire-received', 'Expire Received'), ('receipt', 'Receipt'), ('end-build', 'End Build'), ('shred', 'Shred'), ('remind', 'Remind'), ('count', 'Count')], max_length=16),
        ),
    ]
