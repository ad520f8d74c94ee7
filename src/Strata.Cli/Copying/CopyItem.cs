namespace Strata.Cli;

/// <summary>One file or blob to copy.</summary>
/// <param name="Source">Where from, for messages.</param>
/// <param name="Target">Where to, for messages.</param>
/// <param name="Length">Bytes to come, for the progress bar.</param>
/// <param name="CopyAsync">
/// Copies it and tells how many bytes passed; its result is why it was left out after all, null if it was copied. Null to leave
/// it out for the reason in <paramref name="Fault"/>.
/// </param>
/// <param name="Fault">Why it cannot be copied or is left out; null if it can.</param>
/// <param name="IsSkipped">True if it is left out on purpose, which is no failure.</param>
internal sealed record CopyItem(
    string Source, string Target, long Length, Func<Action<long>, CancellationToken, ValueTask<string?>>? CopyAsync, string? Fault = null, bool IsSkipped = false)
{
    /// <summary>Whether what would be copied is at the target already; null if it is not there, or that is not asked.</summary>
    public Func<CancellationToken, ValueTask<bool>>? IsThereAsync { get; init; }

    /// <summary>One that cannot be copied.</summary>
    public static CopyItem Impossible(string source, string target, string fault) => new(source, target, 0, null, fault);

    /// <summary>One that is left out on purpose.</summary>
    public static CopyItem Skip(string source, string reason) => new(source, "", 0, null, reason, IsSkipped: true);
}
