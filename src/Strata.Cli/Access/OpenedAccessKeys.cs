using Strata.Server;

namespace Strata.Cli;

/// <summary>The access keys of a data folder that this process owns.</summary>
internal sealed class OpenedAccessKeys : AccessKeySet
{
    private readonly DataFolder _folder;
    private readonly AccessKeyStore _keys;

    /// <param name="folder">Given free at disposal.</param>
    /// <param name="options">The options that a server on it would have.</param>
    public OpenedAccessKeys(DataFolder folder, StrataServerOptions options)
    {
        _folder = folder;
        try
        {
            _keys = AccessKeyStore.OpenSealed(folder.Path, options.SealingKeyFile, options.Access, TimeProvider.System);
            Address = ListenAddress.Parse(options.Listen).ReachableAt(options.Tls is not null);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public override Uri Address { get; }

    public override ValueTask<IReadOnlyList<AccessKeyWire>> ListAsync(CancellationToken cancellationToken) => new(_keys.List());

    public override ValueTask<CreatedAccessKeyWire> CreateAsync(CreateAccessKeyWire request, CancellationToken cancellationToken) => new(CreatedAccessKeyWire.Of(_keys.Create(request)));

    public override ValueTask<AccessKeyRevocation> RevokeAsync(string id, CancellationToken cancellationToken) => new(_keys.Revoke(id));

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return default;
    }
}
