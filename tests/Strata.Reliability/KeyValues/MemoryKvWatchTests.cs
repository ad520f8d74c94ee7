namespace Strata.Reliability;

public sealed class MemoryKvWatchTests : KvWatchTests
{
    protected override ValueTask<IKvDatabase> OpenAsync() => new(new MemoryKvDatabase());

    protected override int CountWatches(IKvDatabase database) => ((MemoryKvDatabase)database).Watches;
}
