namespace Strata;

/// <summary>What came of an atomic write.</summary>
public sealed record CommitResult
{
    private CommitResult(Versionstamp versionstamp, IReadOnlyList<int> failedChecks) => (Versionstamp, FailedChecks) = (versionstamp, failedChecks);

    /// <summary>False: a check did not hold, and nothing was applied.</summary>
    public bool IsCommitted => Versionstamp.IsKnown;

    /// <summary>The commit's versionstamp; <see cref="Versionstamp.None"/> if it was not committed.</summary>
    public Versionstamp Versionstamp { get; }

    /// <summary>The places of the checks that did not hold, in order; empty if it was committed, or the database does not tell.</summary>
    public IReadOnlyList<int> FailedChecks { get; }

    /// <summary>A commit.</summary>
    public static CommitResult Committed(Versionstamp versionstamp) =>
        versionstamp.IsKnown ? new(versionstamp, []) : throw new ArgumentException("A commit has a versionstamp.", nameof(versionstamp));

    /// <summary>Checks that did not hold.</summary>
    public static CommitResult CheckFailed(IReadOnlyList<int> failedChecks) => new(Versionstamp.None, failedChecks);
}
