rule check_access:
    """Say what is missing for a run on the archives, and how to get it."""
    log:
        "<logs>/check_access.log",
    localrule: True
    conda:
        "../envs/access.yaml"
    threads: 1
    params:
        endpoints=next(iter(STUDIES.values()))["endpoints"],
        resources=config.get("resources", "resources"),
    message:
        "looking at login, services and space"
    script:
        "../scripts/check_access.py"


for label in STUDIES:

    rule:
        name:
            f"plan_{STUDIES[label]['name']}"
        input:
            regions=f"<results>/{label}/regions.geojson",
            granules=[f"<results>/{label}/{product}/granules.parquet" for product in products_of(STUDIES[label])],
        log:
            f"<logs>/{label}/plan.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        params:
            title=STUDIES[label]["title"],
            study=STUDIES[label]["name"],
            products={name: STUDIES[label]["products"][name] for name in products_of(STUDIES[label])},
            period=STUDIES[label]["period"],
            originals=originals_of(label),
            resources=STUDIES[label]["resources"],
            archive=STUDIES[label]["archive"],
        message:
            f"{label}: what it would {'fetch' if ARCHIVES[STUDIES[label]['archive']].remote else 'read'}"
        script:
            "../scripts/plan_study.py"

    rule:
        name:
            f"figures_{STUDIES[label]['name']}"
        log:
            f"<logs>/{label}/figures.log",
        localrule: True
        conda:
            "../envs/access.yaml"
        threads: 1
        params:
            lines=targets.figure_listing(LOADED[label]),
        message:
            f"{label}: its figures, by the names that figures: {{{{names: [..]}}}} takes"
        script:
            "../scripts/list_figures.py"

    rule:
        name:
            f"lock_{STUDIES[label]['name']}"
        input:
            granules=[f"<results>/{label}/{product}/granules.parquet" for product in products_of(STUDIES[label])],
            cubes=cubes_of(label),
        log:
            f"<logs>/{label}/lock.log",
        localrule: True
        conda:
            "../envs/access.yaml"
        threads: 1
        params:
            products=products_of(STUDIES[label]),
            folder=f"config/locks/{label}",
            originals=originals_of(label),
        message:
            f"{label}: locking its granules in config/locks/{label}"
        script:
            "../scripts/lock_granules.py"

    rule:
        name:
            f"update_{STUDIES[label]['name']}"
        input:
            regions=f"<results>/{label}/regions.geojson",
        log:
            f"<logs>/{label}/update.log",
        localrule: True
        conda:
            "../envs/access.yaml"
        threads: 1
        params:
            folder=STUDIES[label]["lock"] or f"config/locks/{label}",
            archive=archive_of_study(label),
            products={name: STUDIES[label]["products"][name] for name in products_of(STUDIES[label])},
            period=STUDIES[label]["period"],
            focus=STUDIES[label]["focus"],
        message:
            f"{label}: what is new"
        script:
            "../scripts/show_updates.py"

    rule:
        name:
            f"verify_{STUDIES[label]['name']}"
        input:
            concluded=unless_done(label),
        log:
            f"<logs>/{label}/verify.log",
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: 1
        params:
            folder=folder_of(label),
            study=STUDIES[label]["name"],
            published=LOADED[label].published,
        message:
            f"{label}: reading every granule and result again"
        script:
            "../scripts/verify_study.py"

    rule:
        name:
            f"export_{STUDIES[label]['name']}"
        input:
            f"<results>/{label}.crate.zip",
        localrule: True
        message:
            f"{label}: one bundle in {STUDIES[label]['results']}/{label}.crate.zip"
