namespace Strata;

/// <summary>
/// The folder that a server or a library keeps its stores in. It has one owner at a time; while somebody serves it, the
/// command line finds the address here and works through that server.
/// </summary>
public sealed class DataFolder : IDisposable
{
    private readonly FolderLock _lock;

    private DataFolder(string path, FolderLock held)
    {
        Path = path;
        _lock = held;
    }

    /// <summary>The folder, as given.</summary>
    public string Path { get; }

    /// <summary>Random, new at every open: the bearer token by which this machine's user proves to the server that they can read this folder.</summary>
    public string Token => _lock.Owner.Token;

    /// <summary>Random, new at every open.</summary>
    public string InstanceId => _lock.Owner.InstanceId;

    /// <summary>Creates the folder if it is missing and takes it.</summary>
    /// <exception cref="StorageException">Of kind Owned if another process has it; AccessDenied, Full or Unavailable.</exception>
    public static DataFolder Own(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new DataFolder(path, FolderLock.Take(System.IO.Path.GetFullPath(path), "data"));
    }

    /// <summary>Who owns the folder now; null if nobody does, or if it does not exist.</summary>
    public static DataFolderOwner? FindOwner(string path) =>
        FolderLock.Find(System.IO.Path.GetFullPath(path)) is { } owner
            ? new DataFolderOwner(owner.Address, owner.InstanceId, owner.Token, owner.ProtocolVersion, owner.ProcessId) { Certificates = owner.Certificates ?? [] }
            : null;

    /// <summary>Tells where this process serves the folder, in a file that only its user can read. Does nothing once the folder has been given free.</summary>
    /// <param name="address">Where.</param>
    /// <param name="certificates">The SHA-256 (64 lower-case hex digits) of each certificate that the server may show there; none without TLS.</param>
    public void Announce(Uri address, params IReadOnlyList<string> certificates) => _lock.Announce(address, certificates is { Count: > 0 } ? certificates : null);

    /// <summary>Gives the folder free.</summary>
    public void Dispose() => _lock.Dispose();
}
