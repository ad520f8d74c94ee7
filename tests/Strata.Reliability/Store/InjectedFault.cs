namespace Strata.Reliability;

/// <summary>A system call that goes wrong in a process that strace has in its hands.</summary>
/// <param name="Call">Its name, as strace knows it.</param>
/// <param name="Effect">What happens in its place, in strace's words.</param>
/// <param name="At">To which call: each thread counts its own, from 1.</param>
/// <param name="Times">How many calls in a row go wrong.</param>
/// <param name="Thread">Only in the thread of that name, from the moment that the store is open; null: in all, from the start.</param>
internal sealed record InjectedFault(string Call, string Effect, int At, int Times = 1, string? Thread = null)
{
    /// <summary>The process ends before the call.</summary>
    public const string Kill = "signal=KILL";

    /// <summary>The medium fails.</summary>
    public const string Error = "error=EIO";

    /// <summary>There is no room.</summary>
    public const string Full = "error=ENOSPC";

    /// <summary>Nothing is taken, and no error is told.</summary>
    public const string TakesNothing = "retval=0";

    /// <summary>The first bytes are not taken, and the call says that they were.</summary>
    public const string DropsSome = "retval=100";

    /// <summary>From then on all of them.</summary>
    public const int Always = int.MaxValue;

    public bool Kills => Effect == Kill;

    /// <summary>The command that starts a process, or takes a thread, and lets it happen.</summary>
    /// <param name="trace">Where strace writes what it saw.</param>
    public string[] Tracer(string trace)
    {
        // With a filter in the kernel other calls are not slowed down; but then no signal is delivered at the call.
        string[] filter = Kills || Thread is not null ? [] : ["--seccomp-bpf"], follow = Thread is null ? ["-f"] : [];
        return ["strace", .. follow, .. filter, "-qq", "-y", "-o", trace, "-e", $"trace={Call}", "-e", $"inject={Call}:{Effect}:when={When}"];
    }

    private string When => Times switch
    {
        1 => $"{At}",
        Always => $"{At}+",
        _ => $"{At}..{At + Times - 1}",
    };

    public override string ToString() => $"{Effect} at {Call} number {When}{(Thread is null ? "" : $" of {Thread}")}";
}
