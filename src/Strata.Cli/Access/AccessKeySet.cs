using Strata.Server;

namespace Strata.Cli;

/// <summary>The access keys of a data folder: changed here, or through the server that owns it.</summary>
internal abstract class AccessKeySet : IAsyncDisposable
{
    /// <summary>Where the keys open something: the server's address, or the one that it would have.</summary>
    public abstract Uri Address { get; }

    /// <summary>All keys, in order of their ids.</summary>
    public abstract ValueTask<IReadOnlyList<AccessKeyWire>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Makes a key; only this answer holds its secret.</summary>
    public abstract ValueTask<CreatedAccessKeyWire> CreateAsync(CreateAccessKeyWire request, CancellationToken cancellationToken);

    /// <summary>Revokes a key.</summary>
    public abstract ValueTask<AccessKeyRevocation> RevokeAsync(string id, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    /// <summary>The keys of the data folder that a command names.</summary>
    /// <param name="options">Where the configuration comes from.</param>
    /// <param name="mayCreate">False: a folder that is not there is an error, not a new, empty one.</param>
    public static AccessKeySet Open(StoreSourceOptions options, bool mayCreate)
    {
        string data = options.ReadSettings().Data;
        if (File.Exists(data)) throw new CliException(ExitCode.Unavailable, $"'{data}' is a file, not a data folder. Name another with --data.");
        if (!Directory.Exists(data) && !mayCreate) throw CliException.NotFound($"There is no data folder '{data}'. Name one with --data or STRATA_DATA.");
        if (Directory.Exists(data) && DataFolder.FindOwner(data) is { } owner) return new ServedAccessKeys(FolderServer.Connect(owner, data));
        StrataServerOptions server = options.ReadServerOptions();
        return new OpenedAccessKeys(DataFolder.Own(data), server);
    }
}
