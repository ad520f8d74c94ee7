using System.Net;
using Microsoft.Extensions.Configuration;
using Strata.KvConnect;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>
/// What a write that failed is answered with. Clients of KV Connect send again whatever a 5xx answered, without end: after a
/// commit, or where there may have been one, it would apply a sum twice.
/// </summary>
public sealed class KvOutcomeTests : IAsyncLifetime
{
    private static readonly byte[] Key = [2, 97, 0];
    private readonly string _folder = Directory.CreateTempSubdirectory("strata-kv-").FullName;
    private readonly HttpClient _http = new();
    private readonly FailingDatabase _database = new(new MemoryKvDatabase());
    private StoreCatalog _catalog = null!;
    private StrataServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        var urls = new StoreUrlRegistry();
        urls.RegisterKv("failing:", (_, _, _) => new ValueTask<IKvDatabase>(_database));
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Strata:Kv:app", "failing:")]).Build();
        _catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(configuration, _folder), urls);
        _server = await StrataServer.StartAsync(_catalog, new StrataServerOptions { Listen = "127.0.0.1:0" });
        _http.BaseAddress = _server.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _catalog.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_may_have_been_applied_is_final()
    {
        await IsAsync(HttpStatusCode.Conflict, new StorageException(StorageErrorKind.Unavailable, "the reply was lost") { Outcome = WriteOutcome.Unknown });
        await IsAsync(HttpStatusCode.Conflict, new StorageException(StorageErrorKind.Full, "full, perhaps") { Outcome = WriteOutcome.Unknown });
        await IsAsync(HttpStatusCode.Conflict, new InvalidOperationException("nobody foresaw this"));
        await IsAsync(HttpStatusCode.Conflict, new TimeoutException("nor this"));
    }

    [Fact]
    public async Task A_message_that_may_have_been_enqueued_is_not_to_be_enqueued_again()
    {
        _database.Failure = new InvalidOperationException("nobody foresaw this");
        using HttpResponseMessage answer = await _http.PostAsync("/_kv/app/queue?queue=mails", new StringContent("1"));
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal(1, _database.Writes);
    }

    [Fact]
    public async Task What_was_not_applied_may_be_sent_again_where_that_helps()
    {
        await IsAsync(HttpStatusCode.ServiceUnavailable, new StorageException(StorageErrorKind.Unavailable, "not now") { Outcome = WriteOutcome.NotApplied });
        await IsAsync(HttpStatusCode.InsufficientStorage, new StorageException(StorageErrorKind.Full, "full") { Outcome = WriteOutcome.NotApplied });
        await IsAsync(HttpStatusCode.Forbidden, new StorageException(StorageErrorKind.AccessDenied, "not you") { Outcome = WriteOutcome.NotApplied });
        await IsAsync(HttpStatusCode.RequestEntityTooLarge, new StorageException(StorageErrorKind.TooLarge, "too much") { Outcome = WriteOutcome.NotApplied });
        await IsAsync(HttpStatusCode.BadRequest, new ArgumentException("no such sum"));
    }

    [Fact]
    public async Task Our_own_client_tells_the_same_outcome()
    {
        await using KvConnectDatabase client = await KvConnectDatabase.OpenAsync(new KvConnectOptions { Url = new Uri(_server.Address, "/_kv/app"), AccessToken = "nobody-is-asked" });
        _database.Failure = new InvalidOperationException("nobody foresaw this");
        var e = await Assert.ThrowsAsync<StorageException>(async () => await client.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Sum(Key, 1)] }, CancellationToken.None));
        Assert.Equal(WriteOutcome.Unknown, e.Outcome);
        Assert.Equal(1, _database.Writes);
    }

    private async Task IsAsync(HttpStatusCode status, Exception failure)
    {
        _database.Failure = failure;
        using HttpResponseMessage answer = await new WireClient(_http, "app").CallAsync(Protocol.AtomicWrite, WireClient.Set(Key, 1));
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == status, $"{failure.GetType().Name} '{failure.Message}' became {(int)answer.StatusCode}, not {(int)status}: {text}");
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(failure.Message, text, StringComparison.Ordinal);
    }

    /// <summary>Writes, and then fails as it was told.</summary>
    private sealed class FailingDatabase(MemoryKvDatabase inner) : IKvDatabase
    {
        public Exception? Failure { get; set; }

        public int Writes { get; private set; }

        public KvCapabilities Capabilities => inner.Capabilities;

        public ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken) => inner.SnapshotReadAsync(ranges, options, cancellationToken);

        public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
        {
            Writes++;
            CommitResult result = await inner.AtomicWriteAsync(write, cancellationToken);
            return Failure is { } failure ? throw failure : result;
        }

        public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) => inner.WatchAsync(keys, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
