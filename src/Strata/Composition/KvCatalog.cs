namespace Strata;

/// <summary>
/// The KV databases of a data folder by name: those of the configuration, and those below its folder <c>kv</c>, which are
/// made when they are first asked for. Each is opened at its first use.
/// </summary>
public sealed class KvCatalog : IAsyncDisposable
{
    private readonly string _path;
    private readonly IReadOnlyDictionary<string, string> _configured;
    private readonly StoreUrlRegistry _urls;
    private readonly StoreContext _context;
    private readonly Lock _latch = new();
    private readonly Dictionary<string, Task<IKvDatabase>> _open = new(StringComparer.Ordinal);
    private bool _isClosed;

    internal KvCatalog(StrataSettings settings, StoreUrlRegistry urls, StoreContext context)
    {
        _path = Path.Combine(Path.GetFullPath(settings.Data), "kv");
        _configured = settings.Kv;
        _urls = urls;
        _context = context;
    }

    /// <summary>Whether a database can have this name: as that of a store, 3 to 63 of <c>a-z 0-9 . -</c>, beginning and ending with a letter or digit.</summary>
    public static bool IsName(string name) => StoreSettings.IsName(name);

    /// <summary>The names of all that there are, in order.</summary>
    /// <exception cref="StorageException">The folder cannot be read.</exception>
    public IReadOnlyList<string> List()
    {
        try
        {
            IEnumerable<string> made = Directory.Exists(_path) ? Directory.EnumerateDirectories(_path).Select(p => Path.GetFileName(p)).Where(IsName) : [];
            return [.. _configured.Keys.Concat(made).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            throw DiskErrors.Map(e, "list", null, "kv", _path);
        }
    }

    /// <summary>Whether there is a database of this name.</summary>
    public bool Contains(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _configured.ContainsKey(name) || (IsName(name) && Directory.Exists(Path.Combine(_path, name)));
    }

    /// <summary>Checks the addresses of the configuration, as far as that goes without opening them.</summary>
    /// <exception cref="StrataConfigurationException">One is malformed, or its scheme unknown.</exception>
    internal static void Check(StrataSettings settings, StoreUrlRegistry urls)
    {
        foreach ((string name, string url) in settings.Kv) urls.CheckKv(SettingOf(name), url);
    }

    /// <summary>What is known of a database without opening it: the scheme of its address, and its opening; null: nobody has asked for it.</summary>
    internal (string Scheme, Task<IKvDatabase>? Opening) Look(string name)
    {
        string scheme = _configured.TryGetValue(name, out string? url) ? StoreUrl.SchemeOf(url) ?? "file" : "file";
        lock (_latch) return (scheme, _open.GetValueOrDefault(name));
    }

    /// <summary>A database; makes it if there is none, and opens it if it is not open. The catalog disposes it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">No database can have this name.</exception>
    /// <exception cref="StrataConfigurationException">Its address is wrong.</exception>
    /// <exception cref="StorageException">It cannot be opened; the next call tries again.</exception>
    public ValueTask<IKvDatabase> OpenAsync(string name, CancellationToken cancellationToken = default) => OpenAsync(name, mostMade: null, cancellationToken);

    /// <summary>The same, for strangers: makes a database only while there are fewer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="mostMade">How many databases there may be below the folder; those of the configuration do not count. Null: any number.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">No database can have this name.</exception>
    /// <exception cref="StrataConfigurationException">Its address is wrong.</exception>
    /// <exception cref="StorageException">It cannot be opened; the next call tries again. Kind AccessDenied: there are as many as may be.</exception>
    internal async ValueTask<IKvDatabase> OpenAsync(string name, int? mostMade, CancellationToken cancellationToken)
    {
        if (!IsName(name)) throw new ArgumentException($"'{name}' cannot name a database: 3 to 63 of a-z, 0-9, '.' and '-', beginning and ending with a letter or digit.", nameof(name));
        Task<IKvDatabase>? opening;
        lock (_latch)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (!_open.TryGetValue(name, out opening) || opening.IsFaulted)
            {
                if (mostMade is { } most) RequireRoom(name, most);
                _open[name] = opening = Task.Run(() => OpenNowAsync(name), CancellationToken.None);
            }
        }

        try
        {
            return await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (opening.IsFaulted && !Contains(name))
        {
            // Nothing was made: it counts no more, and takes no room.
            lock (_latch) ((ICollection<KeyValuePair<string, Task<IKvDatabase>>>)_open).Remove(new(name, opening));
            throw;
        }
    }

    /// <summary>Refuses a name that there is no database of, where no other one may be made.</summary>
    /// <exception cref="StorageException">Kind AccessDenied: there are as many as may be.</exception>
    internal void RequireRoom(string name, int mostMade)
    {
        lock (_latch)
        {
            if (_open.ContainsKey(name) || Contains(name)) return;

            // Those that are being made at this moment have no folder yet.
            int made = List().Concat(_open.Keys).Distinct(StringComparer.Ordinal).Count(n => !_configured.ContainsKey(n));
            if (made < mostMade) return;
        }

        throw new StorageException(StorageErrorKind.AccessDenied, $"There is no database '{name}', and no other one is made: there are {mostMade} already, as many as may be.") { Operation = "open", Store = name };
    }

    /// <summary>Closes the databases.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<IKvDatabase>[] open;
        lock (_latch)
        {
            _isClosed = true;
            open = [.. _open.Values];
            _open.Clear();
        }

        foreach (Task<IKvDatabase> opening in open)
        {
            try
            {
                await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception) when (opening.IsFaulted)
            {
                // Whoever asked for it was told; there is nothing to close.
            }
        }
    }

    private static string SettingOf(string name) => $"Strata:Kv:{name}";

    private async Task<IKvDatabase> OpenNowAsync(string name)
    {
        var opening = new KvOpening { Name = name, Context = _context };
        return _configured.TryGetValue(name, out string? url)
            ? await _urls.OpenKvAsync(SettingOf(name), url, opening).ConfigureAwait(false)
            : await _urls.OpenKvAsync("Strata:Data", StoreSettings.FolderUrl(Path.Combine(_path, name)), opening).ConfigureAwait(false);
    }
}
