namespace Strata.Cli;

/// <summary>Stores whose origin is over a network. Opening looks at none of them, so that a server starts without them.</summary>
internal static class RemoteOrigins
{
    /// <summary>Looks at each, side by side, and warns of those that do not answer as they should. Never fails for them.</summary>
    public static async Task WarnAsync(Report report, StrataSettings settings, StoreCatalog catalog, CancellationToken cancellationToken)
    {
        IEnumerable<(string Store, string Prefix)> remote =
            from store in settings.Stores.Values
            from part in store.Mounts.Count == 0 ? [(Prefix: "", Settings: store)] : store.Mounts.Select(mount => (mount.Prefix, Settings: mount.Store))
            where StoreUrl.SchemeOf(part.Settings.Tiers[^1].Url) is "s3" or "azure"
            select (store.Name, part.Prefix);
        await Task.WhenAll(remote.Select(part => LookAsync(report, part.Store, part.Prefix, catalog.Stores[part.Store], cancellationToken)));
        report.Flush();
    }

    private static async Task LookAsync(Report report, string name, string prefix, IBlobStore store, CancellationToken cancellationToken)
    {
        try
        {
            await store.ListPageAsync(new ListRequest { Prefix = prefix, Limit = 1, Exact = false }, cancellationToken);
        }
        catch (StorageException e)
        {
            string warning = $"The store '{name}' is in trouble, and is served all the same: {Fault.Of(e).Message}";
            report.Result($"\nWarning: {warning}", new ServeLine("warning", Message: warning), JsonLines.Context.ServeLine);
        }
        catch (OperationCanceledException)
        {
            // The server is to stop, and says so itself.
        }
    }
}
