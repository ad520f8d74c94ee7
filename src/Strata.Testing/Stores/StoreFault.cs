namespace Strata.Testing;

/// <summary>A failure for a <see cref="FaultStore"/> to raise.</summary>
public sealed record StoreFault
{
    /// <summary>The calls concerned. Default: all.</summary>
    public Func<StoreCall, bool> When { get; init; } = static _ => true;

    /// <summary>
    /// Before the call (default), so that its outcome is <see cref="WriteOutcome.NotApplied"/>; or after it, so that a
    /// change is applied and yet answered with an error of outcome <see cref="WriteOutcome.Unknown"/>.
    /// </summary>
    public CallMoment Moment { get; init; }

    /// <summary>The kind of the <see cref="StorageException"/>, which is transient. Default Unavailable.</summary>
    public StorageErrorKind Kind { get; init; } = StorageErrorKind.Unavailable;

    /// <summary>Another exception to raise instead; null for the <see cref="StorageException"/>.</summary>
    public Func<StoreCall, Exception>? Error { get; init; }

    /// <summary>Calls concerned that pass before the first failure. Default 0.</summary>
    public int Skip { get; init; }

    /// <summary>Failures until the fault has healed by itself. Default: never.</summary>
    public int Times { get; init; } = int.MaxValue;

    /// <summary>Fails every call of some operations.</summary>
    public static StoreFault On(params StoreOperation[] operations) => new() { When = call => operations.Contains(call.Operation) };

    /// <summary>Fails the n-th call (from 1) of an operation, once.</summary>
    public static StoreFault OnNth(StoreOperation operation, int number) => On(operation) with { Skip = number - 1, Times = 1 };
}
