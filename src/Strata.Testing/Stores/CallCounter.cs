namespace Strata.Testing;

/// <summary>Numbers the calls of each operation.</summary>
internal sealed class CallCounter
{
    private readonly long[] _counts = new long[Enum.GetValues<StoreOperation>().Length];

    public long CountOf(StoreOperation operation) => Volatile.Read(ref _counts[(int)operation]);

    public StoreCall Next(StoreOperation operation, BlobKey key) => new(operation, key, Interlocked.Increment(ref _counts[(int)operation]));
}
