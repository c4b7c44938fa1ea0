# The actions before the first job and after the last one. Snakemake allows one hook of each kind.
import sys

from workflow.scripts.paretopress.jobs.journal import remove_finished
from workflow.scripts.paretopress.jobs.machine import require_cores
from workflow.scripts.paretopress.jobs.hooks import end_leftover_jobs, mark_run
from workflow.scripts.paretopress.jobs.hooks import require_writable
from workflow.scripts.paretopress.jobs.logs import BEGINS, PROGRESS, shorten
from workflow.scripts.paretopress.jobs.own_code import require_own_code_in_jobs
from workflow.scripts.paretopress.runs.planned import Planned
from workflow.scripts.paretopress.runs.remaining import forecast_lines


def recorded_journals():
    """The journals of the jobs that Snakemake has recorded as done.

    Until then the job may run again, and then it needs its journal.
    """
    done = filter(workflow.dag.noneedrun_finished, workflow.dag.jobs)
    named = (str(job.params.journal) for job in done if "journal" in job.rule.params.keys())
    return [journal for journal in named if journal.startswith(placed(PLANNED.journal("")))]


def take_over_cluster_jobs():
    """Cancel the SLURM jobs of an earlier, killed Snakemake of this study.

    They must not run beside the jobs of this one.
    """
    if workflow.executor_plugin.name == "slurm":
        marks = Path(placed(PLANNED.results)) / "cluster"
        for job in end_leftover_jobs(marks):
            print(
                f"Cancelled job {job} of an earlier Snakemake here. Its records are kept.",
                file=sys.stderr,
            )
        # The plugin names its jobs by this id, and offers no other way to get it.
        mark_run(marks, workflow.scheduler._executor.run_uuid)


onstart:
    # What another workflow shows of its jobs is its own matter. A cluster's plugin says when it
    # submits a job.
    if not (MODULE.namespace or workflow.output_settings.verbose):
        shorten(
            workflow.logger_manager.logger.handlers,
            BEGINS if workflow.executor_plugin.name == "local" else PROGRESS,
            len(workflow.dag),
        )
    try:
        # Jobs in an environment of their own check this themselves.
        if not workflow.deployment_settings.deployment_method:
            require_own_code_in_jobs(SCRIPTS)
            if STUDY.evaluation.device == "cuda" and workflow.executor_plugin.name == "local":
                # Here, since nothing else in Snakemake itself needs torch.
                from workflow.scripts.paretopress.compression.devices import device_of

                device_of(STUDY.evaluation.device)
        require_writable(Path(placed(PLANNED.results)))
        # The job checks the same, but only after all the searches.
        if workflow.resource_settings.cores and any(
            STUDY.networks and job.rule.name == rules.inference_time.rule.name
            for job in workflow.dag.needrun_jobs()
        ):
            require_cores(STUDY.inference_time.threads, workflow.resource_settings.cores)
        take_over_cluster_jobs()
    except UserError as error:
        raise WorkflowError(str(error))
    # At a first start the jobs that forecast say the same, once they have measured.
    for line in forecast_lines(Planned(STUDY, placed(PLANNED.results))):
        print(line, file=sys.stderr)


onsuccess:
    remove_finished(recorded_journals())


onerror:
    remove_finished(recorded_journals())
