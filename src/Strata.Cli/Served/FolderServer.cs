using Strata.Server;

namespace Strata.Cli;

/// <summary>The stores of a data folder, through the server that owns it.</summary>
internal sealed class FolderServer : StoreSet
{
    /// <summary>The blob API that this tool speaks.</summary>
    public const int ProtocolVersion = 1;

    private readonly ServedConnection _connection;
    private readonly Dictionary<string, IBlobStore> _opened = [];

    private FolderServer(ServedConnection connection) => _connection = connection;

    /// <summary>The server that owns a folder.</summary>
    /// <exception cref="CliException">The owner has no address, or speaks another protocol.</exception>
    public static FolderServer Of(DataFolderOwner owner, string folder) => new(Connect(owner, folder));

    /// <summary>The way to the server that owns a folder.</summary>
    /// <exception cref="CliException">The owner has no address, or speaks another protocol.</exception>
    public static ServedConnection Connect(DataFolderOwner owner, string folder)
    {
        if (owner.Address is null)
        {
            throw new CliException(
                ExitCode.Unavailable,
                $"The data folder '{folder}' is in use by process {owner.ProcessId}, which serves no address. Wait until it ends, or stop it.");
        }

        if (owner.ProtocolVersion != ProtocolVersion)
        {
            throw new CliException(
                ExitCode.Unavailable,
                $"The server on '{folder}' (process {owner.ProcessId}) speaks protocol {owner.ProtocolVersion}, this tool {ProtocolVersion}. Use the same version for both.");
        }

        if (owner.Certificates.Count == 0) return new ServedConnection(owner.Address, owner.Token);

        // The folder says which certificate is its server's; it says so anew when that is renewed under a long copy.
        return new ServedConnection(
            owner.Address, owner.Token, print => owner.Certificates.Contains(print) || DataFolder.FindOwner(folder)?.Certificates.Contains(print) == true);
    }

    public override async ValueTask<IReadOnlyList<StoreLine>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ServedStoreWire> stores = await _connection.SendAsync(
            _connection.Request(HttpMethod.Get, "stores"), JsonLines.Context.IReadOnlyListServedStoreWire, WriteOutcome.NotApplied, "list", cancellationToken);
        return [.. stores.OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => new StoreLine(s.Name, s.Tiers))];
    }

    public override async ValueTask<IBlobStore> OpenAsync(string name, CancellationToken cancellationToken)
    {
        if (_opened.TryGetValue(name, out IBlobStore? opened)) return opened;
        try
        {
            return _opened[name] = await ServedBlobStore.OpenAsync(_connection, name, cancellationToken);
        }
        catch (ArgumentException)
        {
            throw Unknown(name, (await ListAsync(cancellationToken)).Select(s => s.Store), $"at the server {_connection.Address}");
        }
    }

    public override ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return default;
    }
}
