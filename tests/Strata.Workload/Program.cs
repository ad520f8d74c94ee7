using Strata.Sqlite;
using Strata.Workload;

var settings = WorkloadSettings.Read(args);
return settings.Command switch
{
    WorkloadCommand.Write => await WriteCommand.RunAsync(settings),
    WorkloadCommand.Commit => await CommitCommand.RunAsync(settings),
    WorkloadCommand.Soak => await SoakCommand.RunAsync(settings),
    WorkloadCommand.Large => await LargeCommand.RunAsync(settings),
    WorkloadCommand.MemoryBudget => await MemoryBudgetCommand.RunAsync(settings),
    WorkloadCommand.MemoryAccounts => await MemoryAccountsCommand.RunAsync(settings),
    WorkloadCommand.SqliteKv => await SqliteKvCommand.RunAsync(settings, async () => await SqliteKvDatabase.OpenAsync(SqliteKvCommand.SqliteOptionsOf(settings))),
    _ => throw new ArgumentException($"There is no command {settings.Command}."),
};
