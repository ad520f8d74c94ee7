namespace Strata.Server;

/// <summary>
/// The access keys that a data folder keeps, and with them those of the configuration. Whoever opens it owns the folder.
/// Safe for concurrent use; a change is durable and in effect when its call completes.
/// </summary>
internal sealed class AccessKeyStore
{
    /// <summary>The most keys that a folder keeps.</summary>
    public const int MaxKeys = 10_000;

    private readonly Lock _changes = new();
    private readonly AccessKeyFile _file;
    private readonly SealingKeyFile _sealing;
    private readonly AccessKeyRing _ring;
    private readonly TimeProvider _clock;
    private volatile AccessKeyList? _list;

    private AccessKeyStore(string folder, string? sealingKeyFile, AccessKeyRing ring, TimeProvider clock)
    {
        _file = new AccessKeyFile(folder);
        _sealing = new SealingKeyFile(sealingKeyFile, folder);
        _ring = ring;
        _clock = clock;
        _list = _file.Read();
    }

    /// <summary>Opens the keys of a folder to list and change them: their secrets stay sealed.</summary>
    /// <param name="folder">The data folder, which this process owns.</param>
    /// <param name="sealingKeyFile">The file that the settings name, or null.</param>
    /// <param name="configured">The keys of the configuration.</param>
    /// <param name="clock">What keys are dated by.</param>
    /// <exception cref="StorageException">The keys are damaged or cannot be read.</exception>
    public static AccessKeyStore OpenSealed(string folder, string? sealingKeyFile, AccessKeyRing configured, TimeProvider clock) =>
        new(Path.GetFullPath(folder), sealingKeyFile, configured, clock);

    /// <summary>Opens the keys of a folder, and puts them into a ring: what a server does.</summary>
    /// <inheritdoc cref="OpenSealed"/>
    /// <exception cref="StrataConfigurationException">The sealing key is missing or another one, or a key stands in the configuration as well.</exception>
    public static AccessKeyStore Open(string folder, string? sealingKeyFile, AccessKeyRing configured, TimeProvider clock)
    {
        AccessKeyStore store = OpenSealed(folder, sealingKeyFile, configured, clock);
        store.FillRing();
        return store;
    }

    /// <summary>All keys, in order of their ids; without their secrets.</summary>
    public IReadOnlyList<AccessKeyWire> List()
    {
        IReadOnlyList<SealedAccessKey> kept = _list?.Keys ?? [];
        IEnumerable<AccessKeyWire> configured = _ring.Keys.Where(k => !k.IsKept).Select(k => AccessKeyWire.Of(k, isConfigured: true));
        return [.. kept.Select(AccessKeyWire.Of).Concat(configured).OrderBy(k => k.Id, StringComparer.Ordinal)];
    }

    /// <summary>Makes a key; the first one of all makes the sealing key, where there is none.</summary>
    /// <exception cref="ArgumentException">The request is wrong, or there is a key of its id.</exception>
    /// <exception cref="StrataConfigurationException">The sealing key is missing, or another one.</exception>
    /// <exception cref="StorageException">The key could not be kept; there is none.</exception>
    public AccessKey Create(CreateAccessKeyWire request)
    {
        AccessKey key = request.ToKey(_clock.GetUtcNow());
        lock (_changes)
        {
            IReadOnlyList<SealedAccessKey> kept = _list?.Keys ?? [];
            if (_ring.Find(key.Id) is not null || kept.Any(k => k.Id == key.Id))
                throw new ArgumentException($"There is an access key '{key.Id}' already. Take another id, or leave it out to have one made.");
            if (kept.Count >= MaxKeys) throw new ArgumentException($"There are {MaxKeys} access keys, and no more are kept. Revoke some with 'strata access revoke'.");

            // Where nothing is sealed, any sealing key will do: a lost one does not outlive its keys.
            SealingKey sealing = kept.Count > 0 ? _sealing.Find(_list!.SealingKey) : _sealing.FindOrCreate();
            Keep(new AccessKeyList(sealing.Id, [.. kept.Append(SealedAccessKey.Of(key, sealing)).OrderBy(k => k.Id, StringComparer.Ordinal)]));
            _ring.TryAdd(key);
            return key;
        }
    }

    /// <summary>Revokes a key: from the next request on it opens nothing.</summary>
    /// <exception cref="StorageException">The folder could not be written; the key still holds.</exception>
    public AccessKeyRevocation Revoke(string id)
    {
        lock (_changes)
        {
            if (_list is not { } list || list.Keys.All(k => k.Id != id)) return _ring.Find(id) is null ? AccessKeyRevocation.Missing : AccessKeyRevocation.Configured;
            Keep(list with { Keys = [.. list.Keys.Where(k => k.Id != id)] });
            _ring.Remove(id);
            return AccessKeyRevocation.Revoked;
        }
    }

    private void Keep(AccessKeyList list)
    {
        _file.Write(list);
        _list = list;
    }

    private void FillRing()
    {
        // A ring that has served a folder before still has what may have been revoked meanwhile.
        foreach (AccessKey former in _ring.Keys.Where(k => k.IsKept)) _ring.Remove(former.Id);
        if (_list is not { } list) return;
        _ring.Require();
        if (list.Keys.Count == 0) return;
        SealingKey sealing = _sealing.Find(list.SealingKey);
        foreach (SealedAccessKey entry in list.Keys)
        {
            AccessKey key = entry.Open(sealing) ?? throw new StorageException(
                StorageErrorKind.Corrupt,
                $"The access key '{entry.Id}' in {AccessKeyFile.Name} is not as it was sealed: somebody has changed it. Revoke it with 'strata access revoke {entry.Id}' and make a new one.")
            {
                Operation = "read", Store = AccessKeyFile.Name,
            };
            if (!_ring.TryAdd(key))
            {
                throw new StrataConfigurationException(
                    "Strata:Access:Keys", $"the access key '{key.Id}' stands here and in the data folder as well. Remove it here, or there with 'strata access revoke {key.Id}'.");
            }
        }
    }
}

/// <summary>What a revocation came to.</summary>
internal enum AccessKeyRevocation
{
    /// <summary>The key opens nothing any more.</summary>
    Revoked,

    /// <summary>There is no such key.</summary>
    Missing,

    /// <summary>It stands in the configuration, which this cannot change.</summary>
    Configured,
}
