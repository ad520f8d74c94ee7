using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Strata.KvConnect;
using Strata.Testing;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Our client against a server that a test has say what it likes.</summary>
public abstract class KvConnectClientTests : IAsyncLifetime
{
    /// <summary>The key that the tests use, and whatever else.</summary>
    protected static readonly byte[] A = [2, 97, 0], B = [2, 98, 0];

    /// <summary>For what needs no time to pass: where the clock stands still, a wait for it would have no end.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private protected ScriptedKvServer Server { get; private set; } = null!;

    private protected FakeClock Clock { get; } = new(TimeProvider.System.GetUtcNow());

    private protected LogText Log { get; } = new();

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public virtual async ValueTask InitializeAsync() => Server = await ScriptedKvServer.StartAsync();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Server.DisposeAsync();
        Log.Dispose();
    }

    /// <param name="isClockFake">Time stands still but for what the test and <see cref="PassAsync"/> bring.</param>
    /// <param name="retries">How often it tries again.</param>
    protected ValueTask<KvConnectDatabase> OpenAsync(bool isClockFake = false, int retries = 5) => OpenAsync(isClockFake ? Clock : TimeProvider.System, retries);

    private protected ValueTask<KvConnectDatabase> OpenAsync(TimeProvider clock, int retries = 5)
    {
        Server.Clock = clock;
        return KvConnectDatabase.OpenAsync(OptionsOf(Server.Address, retries), new StoreContext { Loggers = Log, Clock = clock }, cancellationToken: Token);
    }

    protected static KvConnectOptions OptionsOf(Uri address, int retries = 5) => new() { Url = address, AccessToken = ScriptedKvServer.AccessToken, Retries = retries };

    protected static AtomicWrite Set(ulong number, params KvCheck[] checks) => new() { Checks = checks, Mutations = [KvMutation.Set(A, KvValue.OfUInt64(number))] };

    protected static AtomicWrite Sum(ulong number) => new() { Mutations = [KvMutation.Sum(A, number)] };

    /// <summary>What the server has, without the client.</summary>
    private protected async Task<ulong?> HeldAsync() => (await Server.Kv.SnapshotReadAsync([ReadRange.Of(A)], null, Token))[0].Entries is [var entry] && entry.Value.TryGetUInt64(out ulong number) ? number : null;

    private protected async Task<Versionstamp> PutAsync(ulong number) => (await Server.Kv.AtomicWriteAsync(Set(number), Token)).Versionstamp;

    protected static async Task<ulong?> GetAsync(IKvDatabase database, KvConsistency consistency = KvConsistency.Strong) =>
        (await database.SnapshotReadAsync([ReadRange.Of(A)], new SnapshotReadOptions { Consistency = consistency }, Token).AsTask().WaitAsync(Deadline, Token))[0].Entries is [var entry] && entry.Value.TryGetUInt64(out ulong number) ? number : null;

    /// <summary>Lets time pass until a call has ended, but not while the server is at work for it.</summary>
    private protected async Task<T> PassAsync<T>(Task<T> call)
    {
        await Eventually.HoldsAsync(
            () =>
            {
                if (!call.IsCompleted && Server.Active == 0) Clock.Advance(TimeSpan.FromMilliseconds(20));
                return call.IsCompleted;
            },
            "The call does not end.");
        return await call;
    }

    /// <summary>Waits until nothing is on its way any more, neither here nor there: what is would be taken for late once time passes.</summary>
    private protected Task QuietAsync() => Eventually.HoldsAsync(() => Server.Active == 0 && Clock.ArmedTimers == 0, "A request has no end.");

    protected static async Task<StorageException> FailsAsync(StorageErrorKind kind, Func<Task> call)
    {
        StorageException e = await Assert.ThrowsAsync<StorageException>(() => call().WaitAsync(Deadline, Token));
        Assert.Equal(kind, e.Kind);
        return e;
    }

    /// <summary>All that was logged, exceptions with their traces.</summary>
    private protected sealed class LogText : ILoggerFactory, ILogger
    {
        private readonly StringBuilder _text = new();

        public override string ToString()
        {
            lock (_text) return _text.ToString();
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_text) _text.AppendLine(formatter(state, exception)).AppendLine(exception?.ToString());
        }

        public void Dispose()
        {
        }
    }
}
