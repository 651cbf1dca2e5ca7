from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0005_more_is_due'),
    ]

    operations = [
        migrations.AlterField(
            model_name='due',
            name='kind',
            field=models.CharField(choices=[('deliver', 'Deliver'), ('expire-sent', 'Expire Sent'), ('expire-received', 'Expire Received'), ('receipt', 'Receipt'), ('end-build', 'End Build'), ('shred', 'Shred'), ('remind', 'Remind')], max_length=16),
        ),
    ]
