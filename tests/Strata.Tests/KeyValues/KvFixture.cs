using Strata.Testing;
using Xunit;

namespace Strata.Tests;

/// <summary>A model over an empty database of one backend, which stands on a clock that stands still. A class derives it a subject, and nests one of its own a backend.</summary>
public abstract class KvFixture(KvBackend backend) : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly List<SteppedKvDatabase> _opened = [];
    private Kv? _kv;

    /// <summary>The model of the test, over <see cref="Database"/>.</summary>
    protected Kv Kv => _kv ??= new Kv(Database, Options);

    /// <summary>Of every model of the test.</summary>
    protected virtual KvOptions Options => new() { Clock = Clock };

    protected FakeClock Clock { get; } = new();

    private protected SteppedKvDatabase Database => _opened[0];

    public async ValueTask InitializeAsync() => await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (SteppedKvDatabase database in _opened) await database.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>One more database, with nothing in it.</summary>
    private protected async Task<SteppedKvDatabase> OpenAsync(KvLimits? limits = null, bool tellsFailedChecks = true)
    {
        string folder = _folder.Sub($"{_opened.Count}");
        Directory.CreateDirectory(folder);
        IKvDatabase database = await backend.OpenAsync(folder, new StoreContext { Clock = Clock }, limits);
        _opened.Add(new SteppedKvDatabase(database, Clock) { TellsFailedChecks = tellsFailedChecks });
        return _opened[^1];
    }
}
