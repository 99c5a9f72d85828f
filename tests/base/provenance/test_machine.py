from prismseg.base.provenance.machine import describe_machine, this_machine


def test_the_machine_names_what_decides_the_last_digits():
    machine = this_machine()
    assert machine["cpu"] and machine["cores"] >= machine["threads"] >= 1
    assert machine["torch"][0].isdigit() and machine["python"].startswith("3.")
    assert machine["cpu"] in describe_machine(machine) and "torch" in describe_machine(machine)
