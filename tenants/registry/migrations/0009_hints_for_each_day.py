from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0008_counting_is_due'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='due',
            name='due_once',
        ),
        migrations.AddConstraint(
            model_name='due',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'remind'), _negated=True), fields=('tenant', 'kind', 'message_id'), name='due_once'),
        ),
    ]
