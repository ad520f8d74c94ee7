using System.Globalization;
using Amazon.Runtime;

namespace Strata.Benchmarks;

/// <summary>Our S3 server against Ceph's gateway, asked for the same by the same client.</summary>
internal sealed class S3Ceph : BenchmarkCase
{
    private const int Keys = 1_000;
    private const int Length = 1_024;
    private const int Connections = 64;
    private const double Target = 5;
    private const string Bucket = "main";

    public override string Name => "s3-ceph";

    public override string Summary => "S3 GET of 1 KiB, signed, on 64 connections, against Ceph's gateway over an OSD in memory; target 15";

    public override async Task RunAsync(Contest contest)
    {
        using var folder = new WorkFolder();
        await using ServerProcess ours = await ServerProcess.StartSignedTiersAsync(folder["ours"]);
        await using ObjectServer ceph = await ObjectServer.StartCephAsync();
        using (var client = S3SdkCalls.ClientOf(ceph.Address, new BasicAWSCredentials(ObjectServer.CephKeyId, ObjectServer.CephSecret))) await client.PutBucketAsync(Bucket);
        using SocketLoad toOurs = new(ours.Address, Connections), toCeph = new(ceph.Address, Connections);
        Lane strata = contest.Add("GET, signed, 64 connections", Gets(ours.Address, toOurs, ServerProcess.Signer));
        Lane gateway = contest.Add("Ceph's gateway", Gets(ceph.Address, toCeph, new V4Signer(ObjectServer.CephKeyId, ObjectServer.CephSecret)));
        await contest.RunAsync();
        contest.Higher(strata.Name, "requests/s", Series.PerSecond(strata), Series.PerSecond(gateway), Target);
    }

    private static Action<int> Gets(Uri address, SocketLoad load, V4Signer signer)
    {
        byte[] bytes = Payload.Of(Length);
        load.InTurns([.. Paths().Select(path => WireRequest.Put(address, path, bytes, signer))], 0)(Keys);
        return load.InTurns([.. Paths().Select(path => WireRequest.Get(address, path, signer))], Length);
    }

    private static IEnumerable<string> Paths() => Enumerable.Range(0, Keys).Select(number => string.Create(CultureInfo.InvariantCulture, $"/{Bucket}/get-{number}"));
}
