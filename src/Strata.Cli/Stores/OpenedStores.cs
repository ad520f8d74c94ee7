namespace Strata.Cli;

/// <summary>The stores of a data folder that this process owns.</summary>
internal sealed class OpenedStores(StoreCatalog catalog) : StoreSet
{
    public override ValueTask<IReadOnlyList<StoreLine>> ListAsync(CancellationToken cancellationToken) =>
        new([.. catalog.Stores.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new StoreLine(s.Key, StoreTiers.AllOf(s.Key, s.Value)))]);

    public override ValueTask<IBlobStore> OpenAsync(string name, CancellationToken cancellationToken) =>
        catalog.Stores.TryGetValue(name, out IBlobStore? store)
            ? new(store)
            : throw Unknown(name, catalog.Stores.Keys, $"in '{catalog.Folder.Path}'");

    public override ValueTask DisposeAsync() => catalog.DisposeAsync();
}
