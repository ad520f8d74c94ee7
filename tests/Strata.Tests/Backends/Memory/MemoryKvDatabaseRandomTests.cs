namespace Strata.Tests;

public sealed class MemoryKvDatabaseRandomTests : KvDatabaseRandomTests
{
    protected override ValueTask<IKvDatabase> OpenAsync(StoreContext context) => new(new MemoryKvDatabase(null, context));
}
