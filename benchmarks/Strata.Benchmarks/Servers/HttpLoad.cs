namespace Strata.Benchmarks;

/// <summary>Requests over a number of connections, each kept busy with one request after another.</summary>
internal sealed class HttpLoad : IDisposable
{
    private readonly HttpClient _client;
    private readonly int _connections;

    public HttpLoad(Uri server, int connections)
    {
        _connections = connections;
        _client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections, UseProxy = false }) { BaseAddress = server };
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Downloads, every byte read.</summary>
    /// <param name="path">The path of a request's number.</param>
    /// <param name="length">How many bytes each must have.</param>
    public Func<int, int, Task> Get(Func<int, string> path, long length) => (_, operations) => RunAsync(operations, async (number, buffer) =>
    {
        using HttpResponseMessage response = await _client.GetAsync(path(number), HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        await using Stream body = await response.Content.ReadAsStreamAsync();
        long total = 0;
        for (int read; (read = await body.ReadAsync(buffer)) > 0;) total += read;
        Sink.Expect(total, length);
    });

    /// <summary>Uploads.</summary>
    public Func<int, int, Task> Put(Func<int, string> path, byte[] bytes) => (_, operations) => RunAsync(operations, async (number, _) =>
    {
        using var content = new ByteArrayContent(bytes);
        using HttpResponseMessage response = await _client.PutAsync(path(number), content);
        response.EnsureSuccessStatusCode();
    });

    private async Task RunAsync(int operations, Func<int, byte[], Task> request)
    {
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(_connections, operations)).Select(_ => RunConnectionAsync()));

        async Task RunConnectionAsync()
        {
            byte[] buffer = GC.AllocateUninitializedArray<byte>(128 * 1024);
            for (int number; (number = Interlocked.Increment(ref next)) <= operations;) await request(number, buffer);
        }
    }
}
