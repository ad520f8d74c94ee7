namespace Strata.Benchmarks;

/// <summary>A large object over S3, from one client and from sixteen: what the path of the bytes costs. Too large for the memory tier, it lies on disk.</summary>
internal sealed class S3Large : BenchmarkCase
{
    private const int Length = 64 << 20;
    private const int PartLength = 8 << 20;
    private readonly byte[] _bytes = Payload.Of(Length);

    public override string Name => "s3-large";

    public override string Summary => "S3 GET and PUT of 64 MiB by 1 and 16 clients, the PUT also in 8 parts, against Kestrel with the same bytes raw, each in its own process, and against files written and read without a server";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess ours = await ServerProcess.StartTiersAsync(folder["ours"]);
        await using ServerProcess raw = await ServerProcess.StartRawAsync(folder["raw"]);
        foreach (int clients in (int[])[1, 16]) await RunAsync(contest, folder, ours, raw, clients);
    }

    private async Task RunAsync(Contest contest, WorkFolder folder, ServerProcess ours, ServerProcess raw, int clients)
    {
        using var strata = new SocketLoad(ours.Address, clients);
        using var kestrel = new SocketLoad(raw.Address, clients);
        using var files = new RawFiles(folder["files"], durable: true);
        await strata.AtOnce(Put(ours, "/main/get-"))(0, 1);
        await kestrel.AtOnce(Put(raw, "/file/get-"))(0, 1);
        for (int client = 0; client < clients; client++) files.Put($"get-{client}", _bytes);

        Lane get = contest.Add("GET", strata.AtOnce(Get(ours, "/main/get-")));
        Lane send = contest.Add("Kestrel, sends a file", kestrel.AtOnce(Get(raw, "/file/get-")));
        Lane read = contest.Add("file, read", AtOnce(clients, number => Sink.Expect(files.CountBytes($"get-{number}"), Length)));
        Lane put = contest.Add("PUT", strata.AtOnce(Put(ours, "/main/put-")));
        Lane parts = contest.Add("PUT in parts", strata.AtOnce(PutParts(ours, "/main/parts-")));
        Lane keep = contest.Add("Kestrel, durable file", kestrel.AtOnce(Put(raw, "/file/put-")));
        Lane write = contest.Add("file, written and flushed", AtOnce(clients, number => files.Put($"put-{number}", _bytes)));
        await contest.RunAsync();

        string by = clients == 1 ? "1 client" : $"{clients} clients";
        foreach ((Lane lane, Lane peer) in ((Lane, Lane)[])[(get, send), (get, read), (put, keep), (put, write), (parts, keep), (parts, write)])
            contest.Higher($"{lane.Name}, {by}", "MiB/s", Series.MebibytesPerSecond(lane, (long)clients * Length), Series.MebibytesPerSecond(peer, (long)clients * Length));
    }

    private static Action<SocketConnection, int> Get(ServerProcess server, string path) => (connection, number) =>
    {
        connection.Send(WireRequest.Get(server.Address, $"{path}{number}"));
        Sink.Expect(connection.Receive(), Length);
    };

    private Action<SocketConnection, int> Put(ServerProcess server, string path) => (connection, number) =>
    {
        connection.Send(WireRequest.Put(server.Address, $"{path}{number}", _bytes));
        Sink.Expect(connection.Receive(), 0);
    };

    private Action<SocketConnection, int> PutParts(ServerProcess server, string path) => (connection, number) =>
    {
        var upload = new PartUpload(connection, server.Address, $"{path}{number}");
        for (int at = 0; at < Length; at += PartLength) upload.Put(_bytes.AsMemory(at, PartLength));
        upload.Complete();
    };

    /// <summary>One operation is one piece of work by every client.</summary>
    private static Func<int, int, Task> AtOnce(int clients, Action<int> work) => (_, operations) => Threads.RunAsync(clients, number =>
    {
        for (int i = 0; i < operations; i++) work(number);
    });
}
