"""What people and programs are told of the market: rows as REST, CSV and the admin show them. It writes nothing."""
