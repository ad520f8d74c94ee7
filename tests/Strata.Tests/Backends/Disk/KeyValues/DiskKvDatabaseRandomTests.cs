namespace Strata.Tests;

public sealed class DiskKvDatabaseRandomTests : KvDatabaseRandomTests, IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Each reopening is a new segment or two.</summary>
    protected override double Share => 0.2;

    public void Dispose() => _folder.Dispose();

    protected override async ValueTask<IKvDatabase> OpenAsync(StoreContext context) =>
        await DiskKvDatabase.OpenAsync(new DiskKvDatabaseOptions { Path = _folder.Path, Durability = DiskDurability.OperatingSystem, SegmentBytes = 256 << 10, CompactionBytesPerSecond = null }, context);
}
