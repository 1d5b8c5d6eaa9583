BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE floors (
	family VARCHAR(64) NOT NULL, 
	"key" VARCHAR(2000) NOT NULL, 
	floor BIGINT NOT NULL, 
	PRIMARY KEY (family, "key")
);
INSERT INTO "floors" VALUES('hub','["dpp"]',1763164800);
INSERT INTO "floors" VALUES('endpoint','["dpp","tip.registerData"]',1763337600);
CREATE TABLE progress (
	name VARCHAR(200) NOT NULL, 
	done BIGINT NOT NULL, 
	total BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "progress" VALUES('history',120,400);
COMMIT;
