namespace Strata.Benchmarks;

/// <summary>All cases, in the order in which they run.</summary>
internal static class CaseList
{
    public static IReadOnlyList<BenchmarkCase> All { get; } =
    [
        new ReadShape(),
        new MemoryHit(),
        new TieredHit(),
        new HitScaling(),
        new HitRatio(),
        new MemoryOverhead(),
        new TieredFiles(),
        new AccessRecord(),
        new AccessMemory(),
        new TieringDue(),
        new TieringRuns(),
        new Exclusive(),
        new WriteBack(),
        new LogGet(),
        new LogPut(),
        new LogDurable(),
        new LogOrderedScan(),
        new LogLarge(),
        new LogOpen(),
        new LogIndexSize(),
        new KvGet(),
        new KvSet(),
        new KvAtomic(),
        new KvList(),
        new KvWatch(),
        new SqliteKvCalls(),
        new OutboxIntents(),
        new KvConnectGet(),
        new KvConnectSet(),
        new KvConnectDeno(),
        new S3Get(),
        new S3Small(),
        new S3Stalled(),
        new S3Signature(),
        new S3Large(),
        new S3List(),
        new S3MultipartComplete(),
        new S3Ceph(),
        new S3Store(),
        new AzureStore(),
    ];
}
