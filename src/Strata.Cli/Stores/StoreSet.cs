namespace Strata.Cli;

/// <summary>The stores of a data folder: opened here, or through the server that owns it.</summary>
internal abstract class StoreSet : IAsyncDisposable
{
    /// <summary>The stores' names and tiers.</summary>
    public abstract ValueTask<IReadOnlyList<StoreLine>> ListAsync(CancellationToken cancellationToken);

    /// <summary>The store of this name; it stays open until this is disposed.</summary>
    /// <exception cref="CliException">There is none; the message lists those that there are.</exception>
    public abstract ValueTask<IBlobStore> OpenAsync(string name, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected static CliException Unknown(string name, IEnumerable<string> known, string where) =>
        CliException.NotFound($"There is no store '{name}' {where}; there is {string.Join(", ", known)}.");
}
