using System.Diagnostics;

namespace Strata.Benchmarks;

/// <summary>Completing an upload in parts: what it takes should depend on the number of parts and not on their bytes.</summary>
internal sealed class S3MultipartComplete : BenchmarkCase
{
    private const int Parts = 64;
    private const int PartLength = 16 << 20;
    private const int SmallPartLength = 5 << 20;
    private readonly byte[] _bytes = Payload.Of(PartLength);

    public override string Name => "s3-multipart-complete";

    public override string Summary => "completing 64 parts of 16 MiB, against copying a file of 1 GiB and against 64 parts of 5 MiB, the least that S3 takes";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess server = await ServerProcess.StartTiersAsync(folder["ours"]);
        using var connection = new SocketConnection(server.Address);
        using var files = new RawFiles(folder["files"], durable: true);
        for (int part = 0; part < Parts; part++) files.Append("source", _bytes);
        Complete(SmallPartLength);

        // Each round needs an upload of its own, which is not what is measured: no lane can say that.
        List<double> large = [], small = [], copies = [];
        for (int round = 0; round < contest.Settings.Rounds; round++)
        {
            large.Add(Complete(PartLength));
            copies.Add(Milliseconds(() => files.Copy("source", "copy")));
            small.Add(Complete(SmallPartLength));
        }

        var ours = new Series("64 parts of 16 MiB", large);
        contest.Lower(ours.Name, "ms", ours, new Series("file of 1 GiB, copied and flushed", copies));
        contest.Lower(ours.Name, "ms", ours, new Series("64 parts of 5 MiB", small));

        double Complete(int length)
        {
            const string Path = "/main/object";
            var upload = new PartUpload(connection, server.Address, Path);
            for (int part = 0; part < Parts; part++) upload.Put(_bytes.AsMemory(0, length));
            double elapsed = Milliseconds(upload.Complete);
            connection.Ask(WireRequest.Delete(server.Address, Path));
            return elapsed;
        }
    }

    private static double Milliseconds(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
