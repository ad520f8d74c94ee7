namespace Strata.Backends.Tests;

/// <summary>An Azurite of its own with its data on the disk. It saves what it knows of blobs every 5 s, not before it acknowledges them.</summary>
public sealed class AzuriteOnDisk : AzuriteServer, IKillableServer
{
    private static readonly string[] Indexes = ["__azurite_db_blob__.json", "__azurite_db_blob_extent__.json"];

    protected override bool IsOnDisk => true;

    public Task KillAsync() => Script.KillAsync();

    public Task ReviveAsync() => Script.ReviveAsync();

    /// <summary>Both indexes were saved behind now. Something must have been written a moment ago.</summary>
    public async Task SavedAsync()
    {
        DateTime[] before = [.. Indexes.Select(WrittenAt)];
        for (int i = 0; i < Indexes.Length; i++)
            await Eventually.HoldsAsync(() => WrittenAt(Indexes[i]) > before[i], $"Azurite does not save {Indexes[i]}");
    }

    private DateTime WrittenAt(string index) => File.GetLastWriteTimeUtc(Script.PathOf(Path.Combine("data", index)));
}
