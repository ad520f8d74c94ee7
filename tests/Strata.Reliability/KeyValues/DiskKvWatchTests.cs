namespace Strata.Reliability;

public sealed class DiskKvWatchTests : KvWatchTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>32 readers of ranges of 256 KiB.</summary>
    protected override long KeptForReads => 32 * (256 << 10);

    protected override async ValueTask<IKvDatabase> OpenAsync() => await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem });

    protected override int CountWatches(IKvDatabase database) => ((DiskKvDatabase)database).GetStatistics().Watches;
}
